/** How the program makes backups when it is asked over HTTP. */
import type { MakeBackup } from '../http/backup.js'
import { HttpProblem } from '../http/problem-document.js'
import { GenServerError, type Logger } from '../index.js'
import { BackupUnderWay } from '../stores/backups.js'
import type { OpenedStore } from '../stores/open-store.js'

/** `store` gives nothing where no implementation is durable. */
export function backupOnRequest(store: () => OpenedStore | undefined, logger: Logger): MakeBackup {
  return async () => {
    const opened = store()
    if (opened === undefined) {
      throw new HttpProblem('unknown_route', 'no implementation is durable: nothing is kept that could be backed up')
    }
    try {
      const made = await opened.backups.make()
      logger.info({ bytes: made.size }, 'a backup is made')
      return made
    } catch (err) {
      if (err instanceof BackupUnderWay) throw new HttpProblem('overloaded', err.message)
      // Where the files lie is in it.
      logger.error({ err }, 'no backup could be made')
      throw new GenServerError('storage_failed', 'the store could not be copied; the log of the gateway says why', {
        effect: 'none',
      })
    }
  }
}
