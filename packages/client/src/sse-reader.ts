/** Server-sent events out of bytes (WHATWG HTML, 9.2), as far as this protocol uses them: the data of each event. */

/** The data of the events of a body, in order. Throws what reading throws. */
export async function* readSse(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const text = line.endsWith('\r') ? line.slice(0, -1) : line;
        if (text === '' && data.length > 0) {
          yield data.join('\n');
          data = [];
        } else if (text.startsWith('data:')) {
          data.push(text.slice(text.startsWith('data: ') ? 6 : 5));
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
