/**
 * Ids in order, for paging through many servers. A list of short sorted runs: adding and removing touch one run, and a
 * page starts with two binary searches.
 */

/** The longest run; a longer one is cut in two. */
const RUN = 512

export class SortedIds {
  readonly #runs: string[][] = []

  get isEmpty(): boolean {
    return this.#runs.length === 0
  }

  add(id: string): void {
    const runs = this.#runs
    const last = runs.at(-1)
    if (last === undefined || (last.at(-1) as string) < id) {
      // The usual case, since ids that are made here grow.
      if (last === undefined || last.length === RUN) runs.push([id])
      else last.push(id)
      return
    }
    const at = this.#runFor(id)
    const run = runs[at] as string[]
    run.splice(lowerBound(run, id), 0, id)
    if (run.length > RUN) runs.splice(at + 1, 0, run.splice(RUN / 2))
  }

  remove(id: string): void {
    const at = this.#runFor(id)
    const run = this.#runs[at]
    if (run === undefined) return
    const place = lowerBound(run, id)
    if (run[place] !== id) return
    run.splice(place, 1)
    if (run.length === 0) this.#runs.splice(at, 1)
  }

  /** The ids greater than `after`, in order; all of them without it. */
  *after(after?: string): Generator<string, void, undefined> {
    let at = after === undefined ? 0 : this.#runFor(after)
    for (; at < this.#runs.length; at++) {
      const run = this.#runs[at] as string[]
      let place = after === undefined ? 0 : lowerBound(run, after)
      if (run[place] === after) place++
      for (; place < run.length; place++) yield run[place] as string
    }
  }

  /** The first run whose last id is not less than `id`. */
  #runFor(id: string): number {
    return firstWhere(this.#runs.length, (at) => (this.#runs[at]?.at(-1) as string) >= id)
  }
}

function lowerBound(run: readonly string[], id: string): number {
  return firstWhere(run.length, (at) => (run[at] as string) >= id)
}

/** The first of `0..length` for which `test` holds, which holds for all after it; `length` if there is none. */
function firstWhere(length: number, test: (at: number) => boolean): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (test(middle)) high = middle
    else low = middle + 1
  }
  return low
}
