/** An error code is a promise to clients: documented with its status, and told by some test. */

/** What is missing for which code, as sentences. `documented` is docs/errors.md, `tests` the text of all tests. */
export function faultsOfErrorCodes(
  table: Readonly<Record<string, { readonly status: number }>>,
  documented: string,
  tests: readonly string[],
): string[] {
  const rows = new Map(
    [...documented.matchAll(/^\| `(\w+)` \| (\d+) \| \S/gm)].map(([, code, status]) => [code, status]),
  )
  const faults: string[] = []
  for (const [code, { status }] of Object.entries(table)) {
    const row = rows.get(code)
    if (!(status >= 400 && status < 600)) faults.push(`${code} has the status ${status}`)
    if (row === undefined) faults.push(`${code} is not documented`)
    else if (row !== String(status)) faults.push(`${code} is documented with ${row}, and answered with ${status}`)
    if (!tests.some((text) => new RegExp(`['"]${code}['"]`).test(text))) faults.push(`${code} is in no test`)
  }
  for (const [code] of rows) if (!Object.hasOwn(table, String(code))) faults.push(`${code} is documented and unknown`)
  return faults
}
