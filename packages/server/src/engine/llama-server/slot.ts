/** A slot of llama-server as a sequence of the pool. The server itself keeps the prefix; this is what we believe that it holds. */
import type { KvSequence } from '../token-chain/lease.ts';
import type { LlamaServerApi } from './api.ts';

/** Whether the server can save and restore slots, for all of its slots: found out at the first try. */
export interface SlotFiles {
  areRefused: boolean;
  /** Tells the files of this server's users apart. */
  readonly prefix: string;
}

/** One slot. */
export class RemoteSlot implements KvSequence<RemoteSlot> {
  readonly id: number;
  readonly #api: LlamaServerApi;
  readonly #files: SlotFiles;
  /** Believed: `timings` tell what was true. */
  length = 0;
  /** A generation runs on it: saving it would have to wait for the end. */
  isBusy = false;

  constructor(id: number, api: LlamaServerApi, files: SlotFiles) {
    this.id = id;
    this.#api = api;
    this.#files = files;
  }

  /** The server cuts a slot by itself when a prompt goes another way. */
  truncate(length: number): Promise<void> {
    this.length = Math.min(length, this.length);
    return Promise.resolve();
  }

  canCopy(other: RemoteSlot): boolean {
    return !this.#files.areRefused && !other.isBusy;
  }

  async copyFrom(other: RemoteSlot, length: number): Promise<boolean> {
    const file = `${this.#files.prefix}-${other.id}`;
    try {
      const isCopied =
        (await this.#api.moveSlot(other.id, 'save', file)) && (await this.#api.moveSlot(this.id, 'restore', file));
      this.#files.areRefused ||= !isCopied;
      this.length = isCopied ? Math.min(length, other.length) : 0;
      return isCopied;
    } catch {
      // The generation that follows says what is wrong with the server.
      this.length = 0;
      return false;
    }
  }
}
