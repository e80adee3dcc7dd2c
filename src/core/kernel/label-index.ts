/**
 * Which ids have which label, beside the registry, so that a group is found without a look at anybody else (OTP: `pg`).
 *
 * 1. A label is known while somebody has it, and leaves nothing behind.
 * 2. An id without labels is not in here.
 */
import { SortedIds } from './sorted-ids.js'

const NOBODY = new SortedIds()

export class LabelIndex {
  readonly #groups = new Map<string, SortedIds>()

  /** How many labels are known. */
  get size(): number {
    return this.#groups.size
  }

  add(id: string, labels: readonly string[]): void {
    for (const label of labels) {
      let ids = this.#groups.get(label)
      if (ids === undefined) {
        ids = new SortedIds()
        this.#groups.set(label, ids)
      }
      ids.add(id)
    }
  }

  /** `labels` are those with which the id was added. */
  remove(id: string, labels: readonly string[]): void {
    for (const label of labels) {
      const ids = this.#groups.get(label)
      ids?.remove(id)
      if (ids?.isEmpty) this.#groups.delete(label)
    }
  }

  /** The ids that have `label` and are greater than `id`, in order; all of them without it. */
  after(label: string, id?: string): Iterable<string> {
    return (this.#groups.get(label) ?? NOBODY).after(id)
  }
}
