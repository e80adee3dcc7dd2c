/** There is no backup; in one sentence, why. Exit code 1, and no stack. */
export class NoBackup extends Error {
  override readonly name = 'NoBackup'
}
