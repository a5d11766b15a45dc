/**
 * The elements of a JSON array as bytes, written once and shared by every list that goes on from them.
 *
 * Bytes live in pages that never move and are only ever appended to. A list is a page and how much of it is ours: the list at
 * the tip of a page is extended in place, any other (a fork) opens a page of its own behind the same bytes. So nothing is
 * copied or encoded twice, and a request body is a list of page views, O(log n) of them at first and one per 64 KiB later.
 */

const minPageBytes = 4 * 1024;
const maxPageBytes = 64 * 1024;

interface Page {
  readonly bytes: Buffer;
  /** How much is written: the only thing here that changes. Bytes before it never do. */
  used: number;
  /** What comes before this page, and how much of it belongs to this list. */
  readonly previous: { readonly page: Page; readonly end: number } | null;
}

/** A list up to a point. Immutable to everyone outside this file. */
export interface EncodedList {
  readonly page: Page | null;
  /** Where this list ends in its last page. */
  readonly end: number;
  /** Bytes of all elements, the commas between them included. */
  readonly totalBytes: number;
  /** Elements written. */
  readonly count: number;
}

/** The list without elements. */
export const emptyList: EncodedList = { page: null, end: 0, totalBytes: 0, count: 0 };

/** `parent` with `elements` behind it: O(elements). The parent stays as it is. */
export function appendElements(parent: EncodedList, elements: readonly unknown[]): EncodedList {
  if (elements.length === 0) return parent;
  const text = (parent.count > 0 ? ',' : '') + elements.map((element) => JSON.stringify(element)).join(',');
  const added = Buffer.byteLength(text);
  const page = write(parent, text, added);
  return {
    page,
    end: page.used,
    totalBytes: parent.totalBytes + added,
    count: parent.count + elements.length,
  };
}

/** The encoded elements in order, commas included: views of the pages, nothing copied. */
export function elementBytes(list: EncodedList): Buffer[] {
  return elementBytesSince(list, emptyList);
}

/** The elements that `list` has and its ancestor `since` has not, without a comma in front: O(their pages). */
export function elementBytesSince(list: EncodedList, since: EncodedList): Buffer[] {
  const views: Buffer[] = [];
  let { page, end } = list;
  while (page) {
    const isCommon = page === since.page;
    views.push(page.bytes.subarray(isCommon ? since.end : 0, end));
    if (isCommon) break;
    end = page.previous?.end ?? 0;
    page = page.previous?.page ?? null;
  }
  views.reverse();
  const filled = views.filter((view) => view.length > 0);
  const [first] = filled;
  if (first && since.count > 0) filled[0] = first.subarray(1);
  return filled;
}

/** Writes behind `parent`, and returns the page that the text ends in. What the page of the parent has no room for goes on in a new one. */
function write({ page, end }: EncodedList, text: string, length: number): Page {
  if (!page || page.used !== end) {
    // A fork, or a beginning: it has a page of its own, and a small one until it has shown that it grows.
    const own = createPage(Math.max(length, minPageBytes), page && { page, end });
    own.used = own.bytes.write(text);
    return own;
  }
  const room = page.bytes.length - end;
  if (length <= room) {
    page.used += page.bytes.write(text, end);
    return page;
  }
  const bytes = Buffer.from(text);
  bytes.copy(page.bytes, end);
  page.used = page.bytes.length;
  const size = Math.max(length - room, Math.min(maxPageBytes, 2 * page.bytes.length));
  const next = createPage(size, { page, end: page.used });
  next.used = bytes.copy(next.bytes, 0, room);
  return next;
}

function createPage(size: number, previous: Page['previous']): Page {
  // Slow: from outside the shared pool, which a view of a few bytes would keep alive. Views end where writing ended.
  return { bytes: Buffer.allocUnsafeSlow(size), used: 0, previous };
}
