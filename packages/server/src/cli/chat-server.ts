/** The server that a chat talks to, asked over HTTP: what it serves, or why it cannot be reached. */

/** Where the server is. */
export interface ChatServer {
  readonly baseUrl: string;
  readonly apiKey: string | null;
}

const timeoutMs = 15_000;

/**
 * Ids of the models that the server lists; none where it has no such list. Throws an `Error` with one sentence for people when
 * it cannot be reached or wants another key. The WebSocket interface hides such reasons, so this also tells why one did not open.
 */
export async function listModels({ baseUrl, apiKey }: ChatServer): Promise<string[]> {
  let response: Response;
  try {
    response = await fetch(`${baseUrl}/models`, {
      headers: apiKey === null ? {} : { authorization: `Bearer ${apiKey}` },
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (error) {
    throw new Error(unreachable(baseUrl, error), { cause: error });
  }
  if (response.status === 401 || response.status === 403) {
    throw new Error(
      apiKey === null
        ? `The server at ${baseUrl} wants a key: give it with --api-key.`
        : `The server at ${baseUrl} does not accept this key.`,
    );
  }
  const body: unknown = response.ok ? await response.json().catch(() => null) : null;
  return idsOf(body);
}

function unreachable(baseUrl: string, error: unknown): string {
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
      return `Nothing listens at ${baseUrl}: start a server with "longwire serve", or name another with --url.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `No host is called ${new URL(baseUrl).hostname}: name another with --url.`;
    default:
      return `The server at ${baseUrl} does not answer.`;
  }
}

function codeOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : null;
  return cause instanceof Error && 'code' in cause ? cause.code : null;
}

function idsOf(body: unknown): string[] {
  if (typeof body !== 'object' || body === null || !('data' in body) || !Array.isArray(body.data)) return [];
  return body.data.flatMap((model: unknown) =>
    typeof model === 'object' && model !== null && 'id' in model && typeof model.id === 'string' ? [model.id] : [],
  );
}
