// What does this text from outside say? JSON or nothing; and what is wrong with a value that a schema refused.

/** Undefined when the text is not one JSON value. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface SchemaIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The first thing a schema found wrong, with its place; names members, never values. */
export function firstProblem(issues: readonly SchemaIssue[]): string {
  const [issue] = issues;
  if (issue === undefined) return 'not as documented';
  return issue.path.length === 0 ? issue.message : `"${issue.path.map(String).join('.')}": ${issue.message}`;
}
