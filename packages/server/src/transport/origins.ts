/** Web pages that may talk to the server: browsers say in `Origin` where a page is from, and nobody else sends one. */

/** Whether pages of this origin may; `*` among the allowed ones stands for all. */
export function isAllowedOrigin(origin: string, allowed: readonly string[]): boolean {
  return allowed.includes('*') || allowed.includes(origin);
}
