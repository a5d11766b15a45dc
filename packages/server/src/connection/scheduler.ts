/**
 * Which job runs when: first in, first out within a lane, side by side across lanes, at most `maxInFlight` at once
 * (dossier E). A state machine without I/O: every call returns the jobs that must start now.
 */

/** A job that may start, and its lane. */
export interface Start<Job> {
  readonly lane: string;
  readonly job: Job;
}

interface LaneQueue<Job> {
  readonly waiting: Job[];
  running: boolean;
}

/** Queues of one connection. Lanes that wait for a free place get it in the order in which they became ready. */
export class Scheduler<Job> {
  readonly #maxInFlight: number;
  readonly #lanes = new Map<string, LaneQueue<Job>>();
  /** Lanes that are idle and have a job waiting. */
  readonly #ready: string[] = [];
  #inFlight = 0;
  #waiting = 0;

  constructor(maxInFlight: number) {
    this.#maxInFlight = maxInFlight;
  }

  /** Jobs that run now. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Jobs that wait, over all lanes. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Adds a job to the end of its lane. */
  enqueue(lane: string, job: Job): Start<Job>[] {
    let queue = this.#lanes.get(lane);
    if (!queue) {
      queue = { waiting: [], running: false };
      this.#lanes.set(lane, queue);
    }
    queue.waiting.push(job);
    this.#waiting++;
    if (!queue.running && queue.waiting.length === 1) this.#ready.push(lane);
    return this.#startReady();
  }

  /** The lane's running job has ended. */
  finish(lane: string): Start<Job>[] {
    const queue = this.#lanes.get(lane);
    if (!queue?.running) throw new Error(`Lane '${lane}' has no running job.`);
    queue.running = false;
    this.#inFlight--;
    if (queue.waiting.length > 0) this.#ready.push(lane);
    return this.#startReady();
  }

  /** Forgets every waiting job and returns them, lane by lane. */
  clear(): Start<Job>[] {
    const dropped: Start<Job>[] = [];
    for (const [lane, queue] of this.#lanes) {
      for (const job of queue.waiting.splice(0)) dropped.push({ lane, job });
    }
    this.#ready.length = 0;
    this.#waiting = 0;
    return dropped;
  }

  #startReady(): Start<Job>[] {
    const starts: Start<Job>[] = [];
    while (this.#inFlight < this.#maxInFlight) {
      const lane = this.#ready.shift();
      if (lane === undefined) break;
      const queue = this.#lanes.get(lane);
      const job = queue?.waiting.shift();
      if (!queue || job === undefined) continue;
      queue.running = true;
      this.#inFlight++;
      this.#waiting--;
      starts.push({ lane, job });
    }
    return starts;
  }
}
