/** The directory cannot be had as a store; in one sentence, why. */
export class StoreNotOpened extends Error {
  override readonly name = 'StoreNotOpened'
}
