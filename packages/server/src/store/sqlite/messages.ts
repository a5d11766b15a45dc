/** What the store and its worker thread say to each other. */

/** A value of a column or a parameter. */
export type SqlValue = string | number | null;

/** A row as SQLite gives it. */
export type Row = Readonly<Record<string, SqlValue>>;

/** A statement of `sql/`, by its file's name, with its parameters. */
export interface Statement {
  readonly name: string;
  readonly values: Row;
}

/** One statement of a write. */
export interface Step extends Statement {
  /** When this step changes no row, the write is taken back whole. */
  readonly required?: true;
}

/** One thing to do. */
export type Operation =
  /** Opens the file, if it is not open yet. */
  | { readonly kind: 'open' }
  | { readonly kind: 'read'; readonly statement: Statement }
  /** All steps or none. */
  | { readonly kind: 'write'; readonly steps: readonly Step[] };

/** What became of an operation. */
export type Outcome =
  | {
      readonly kind: 'done';
      /** What a read found, or the last step of a write returned. */
      readonly rows: readonly Row[];
      /** False for a write that was taken back because a required step changed nothing. */
      readonly applied: boolean;
    }
  | { readonly kind: 'failed'; readonly reason: string };

/** To the worker. All writes of a batch are one transaction; its reads come after them. */
export type Order = { readonly kind: 'batch'; readonly operations: readonly Operation[] } | { readonly kind: 'close' };

/** From the worker, one for every batch: the outcomes in the order of the operations. */
export type Report = readonly Outcome[];
