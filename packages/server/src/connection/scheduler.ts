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
  /** Places that the running job takes; null while the lane is idle. */
  running: number | null;
}

/** Queues of one connection. Lanes that wait for a free place get it in the order in which they became ready. */
export class Scheduler<Job> {
  readonly #maxInFlight: number;
  readonly #placesOf: (job: Job) => 0 | 1;
  readonly #lanes = new Map<string, LaneQueue<Job>>();
  /** Lanes that are idle and have a job waiting. */
  #ready: string[] = [];
  #inFlight = 0;
  #running = 0;
  #waiting = 0;

  /** `placesOf`: 0 for jobs that only keep their lane's order (a refusal), which start even when every place is taken. */
  constructor(maxInFlight: number, placesOf: (job: Job) => 0 | 1 = () => 1) {
    this.#maxInFlight = maxInFlight;
    this.#placesOf = placesOf;
  }

  /** Jobs that run now. */
  get running(): number {
    return this.#running;
  }

  /** Jobs that wait, over all lanes. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether a job of this lane would start at once. */
  isFree(lane: string): boolean {
    const queue = this.#lanes.get(lane);
    const isIdle = !queue || (queue.running === null && queue.waiting.length === 0);
    return isIdle && this.#inFlight < this.#maxInFlight;
  }

  /** What waits in a lane, in order. */
  waitingIn(lane: string): readonly Job[] {
    return this.#lanes.get(lane)?.waiting ?? [];
  }

  /** Adds a job to the end of its lane. */
  enqueue(lane: string, job: Job): Start<Job>[] {
    let queue = this.#lanes.get(lane);
    if (!queue) {
      queue = { waiting: [], running: null };
      this.#lanes.set(lane, queue);
    }
    queue.waiting.push(job);
    this.#waiting++;
    if (queue.running === null && queue.waiting.length === 1) this.#ready.push(lane);
    return this.#startReady();
  }

  /** The lane's running job has ended. */
  finish(lane: string): Start<Job>[] {
    const queue = this.#lanes.get(lane);
    if (!queue || queue.running === null) throw new Error(`Lane '${lane}' has no running job.`);
    this.#inFlight -= queue.running;
    this.#running--;
    queue.running = null;
    if (queue.waiting.length > 0) this.#ready.push(lane);
    return this.#startReady();
  }

  /** Forgets every waiting job and returns them, lane by lane. */
  clear(): Start<Job>[] {
    const dropped: Start<Job>[] = [];
    for (const [lane, queue] of this.#lanes) {
      for (const job of queue.waiting.splice(0)) dropped.push({ lane, job });
    }
    this.#ready = [];
    this.#waiting = 0;
    return dropped;
  }

  #startReady(): Start<Job>[] {
    const starts: Start<Job>[] = [];
    this.#ready = this.#ready.filter((lane) => {
      const queue = this.#lanes.get(lane);
      const job = queue?.waiting[0];
      if (!queue || job === undefined) return false;
      const places = this.#placesOf(job);
      if (this.#inFlight + places > this.#maxInFlight) return true;
      queue.waiting.shift();
      queue.running = places;
      this.#inFlight += places;
      this.#running++;
      this.#waiting--;
      starts.push({ lane, job });
      return false;
    });
    return starts;
  }
}
