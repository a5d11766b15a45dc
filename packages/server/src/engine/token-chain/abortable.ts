/**
 * A promise's outcome, or the signal's reason as soon as it aborts. What runs goes on: native evaluation cannot be stopped, so
 * whoever owns the resource waits for it (see `Lease.release`).
 */
export function abortable<Result>(running: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    running.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
