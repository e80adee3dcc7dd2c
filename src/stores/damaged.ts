/** What is kept is not what was to be kept, which its form shows. */
export class Damaged extends Error {
  override readonly name = 'Damaged'
}
