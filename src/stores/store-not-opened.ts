/** Why a store could not be opened. */

/** Another process has its file. */
export class StoreInUse extends Error {
  override readonly name = 'StoreInUse'

  constructor() {
    super('it is in use by another process')
  }
}

/** The directory cannot be had as a store; in one sentence, why. */
export class StoreNotOpened extends Error {
  override readonly name = 'StoreNotOpened'
  /** Another process has it. */
  readonly isInUse: boolean

  constructor(directory: string, why: Error) {
    super(`the data directory ${directory}: ${why.message}`)
    this.isInUse = why instanceof StoreInUse
  }
}
