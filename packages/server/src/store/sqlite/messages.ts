/** What the store and its worker thread say to each other. */
import type { ResponseRow } from '../row.ts';

/** One thing to do. */
export type Operation =
  /** Opens the file, if it is not open yet. */
  | { readonly kind: 'open' }
  | { readonly kind: 'put'; readonly row: ResponseRow }
  | { readonly kind: 'delete'; readonly project: string; readonly id: string }
  | { readonly kind: 'get'; readonly project: string; readonly id: string }
  | { readonly kind: 'chain'; readonly project: string; readonly id: string; readonly until: readonly string[] };

/** What became of an operation: for `get` and `chain` the rows found, in any order; for `delete` whether there was one. */
export type Outcome =
  | { readonly kind: 'done'; readonly rows: readonly ResponseRow[]; readonly existed: boolean }
  | { readonly kind: 'failed'; readonly reason: string };

/** To the worker. All writes of a batch are one transaction; its reads come after them. */
export type Order = { readonly kind: 'batch'; readonly operations: readonly Operation[] } | { readonly kind: 'close' };

/** From the worker, one for every batch: the outcomes in the order of the operations. */
export type Report = readonly Outcome[];
