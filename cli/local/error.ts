// How does the local cloud say that it cannot start? One plain sentence, fit to be shown as it is.

/** The message is for the person at the terminal; the cause is for us. */
export class LocalCloudError extends Error {
  override readonly name = 'LocalCloudError';
}
