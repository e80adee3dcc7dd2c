/** The servers that cannot run on other code, and why. All are counted, and some named. */

import type { Protocol } from '../definition/protocol.js'
import { GenServerError } from '../kernel/errors.js'
import { crashReason } from '../kernel/reason.js'

const MOST_NAMED = 100

export class Failures {
  readonly #named: { readonly id: string; readonly message: string }[] = []
  #count = 0

  add(id: string, message: string): void {
    if (this.#named.length < MOST_NAMED) this.#named.push({ id, message })
    this.#count++
  }

  /** What was thrown when its state was migrated. */
  threw(id: string, thrown: unknown): void {
    this.add(id, crashReason(thrown).error)
  }

  get areNone(): boolean {
    return this.#count === 0
  }

  /** What whoever wanted the change hears. */
  failure({ name, version }: Protocol): GenServerError {
    const [first] = this.#named
    const more = this.#count > 1 ? `, and ${this.#count - 1} more` : ''
    const message = `the new code of ${name}, version ${version}, is not taken: ${first?.id}: ${first?.message}${more}`
    return new GenServerError('code_change_failed', message, { failed: this.#named })
  }
}
