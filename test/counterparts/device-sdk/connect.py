# A device as its maker would write it: connects with the AWS IoT Device SDK for Python and publishes once.
# Arguments: protocol (3 or 5), port, CA file, certificate file, key file, client id, topic.
# Prints "published", "refused: <why>" or "closed: <why>".
import concurrent.futures
import sys

from awscrt import mqtt, mqtt5
from awsiot import mqtt5_client_builder, mqtt_connection_builder

PATIENCE = 10


def main(protocol, port, ca, certificate, key, client, topic):
    # The local broker's certificate names localhost; the SDK sends the endpoint as SNI and checks it.
    shared = dict(endpoint="localhost", port=int(port), ca_filepath=ca, cert_filepath=certificate, pri_key_filepath=key)
    publish = publish_5 if protocol == "5" else publish_3
    print(publish(shared, client, topic))


def publish_3(shared, client, topic):
    connection = mqtt_connection_builder.mtls_from_path(client_id=client, clean_session=True, **shared)
    try:
        connection.connect().result(PATIENCE)
    except Exception as problem:  # the SDK throws its own class for each way to be closed
        return f"closed: {problem}"
    sent, _ = connection.publish(topic=topic, payload="{}", qos=mqtt.QoS.AT_LEAST_ONCE)
    try:
        sent.result(PATIENCE / 2)
        return "published"
    except concurrent.futures.TimeoutError:
        return "refused: no acknowledgement"
    except Exception as problem:
        return f"refused: {problem}"
    finally:
        connection.disconnect()


def publish_5(shared, client, topic):
    connected = concurrent.futures.Future()

    def on_success(_):
        connected.done() or connected.set_result(None)

    def on_failure(data):
        connected.done() or connected.set_exception(data.exception)

    device = mqtt5_client_builder.mtls_from_path(
        client_id=client,
        on_lifecycle_connection_success=on_success,
        on_lifecycle_connection_failure=on_failure,
        **shared,
    )
    device.start()
    try:
        connected.result(PATIENCE)
    except Exception as problem:
        return f"closed: {problem}"
    packet = mqtt5.PublishPacket(topic=topic, payload="{}", qos=mqtt5.QoS.AT_LEAST_ONCE)
    try:
        answer = device.publish(packet).result(PATIENCE / 2)
    except Exception as problem:
        return f"refused: {problem}"
    finally:
        device.stop()
    reason = answer.puback.reason_code
    return "published" if reason in (mqtt5.PubackReasonCode.SUCCESS, mqtt5.PubackReasonCode.NO_MATCHING_SUBSCRIBERS) else f"refused: {reason}"


main(*sys.argv[1:])
