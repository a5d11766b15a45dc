/** A compaction item while its summary is written (dossier H.2). */
import type { OutputCompactionItem } from '@longwire/protocol';
import type { ItemPlace, ItemSink } from './open-item.ts';

/** Tells that the model works on the summary, and nothing of it until it is sealed. */
export class OpenCompaction {
  readonly kind = 'compaction';
  readonly #sink: ItemSink;
  readonly #place: ItemPlace;
  #sealed = '';

  constructor(sink: ItemSink, place: ItemPlace) {
    this.#sink = sink;
    this.#place = place;
    sink.emit({ type: 'response.output_item.added', output_index: place.output_index, item: this.#item() });
  }

  /** More was written. */
  progress(): void {
    this.#sink.emit({ type: 'response.compaction.compacting', ...this.#place });
  }

  /** The summary is whole. */
  seal(sealed: string): void {
    this.#sealed = sealed;
  }

  /** An item that was cut off has no content: nothing was compacted. */
  close(): void {
    this.#sink.emit({
      type: 'response.output_item.done',
      output_index: this.#place.output_index,
      item: this.#item(),
    });
  }

  #item(): OutputCompactionItem {
    return { id: this.#place.item_id, type: 'compaction', encrypted_content: this.#sealed };
  }
}
