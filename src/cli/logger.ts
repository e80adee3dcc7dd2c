/** The log: JSON lines, as collectors want them; for a person at a terminal something prettier, where it is installed. */
import { type Logger, pino } from 'pino'
import type { Settings } from './settings.js'

export async function createLogger({ logLevel }: Pick<Settings, 'logLevel'>, isTerminal: boolean): Promise<Logger> {
  if (isTerminal) {
    try {
      const { PinoPretty: pretty } = await import('pino-pretty')
      return pino({ level: logLevel }, pretty({ sync: true }))
    } catch {
      // A production install is without it.
    }
  }
  return pino({ level: logLevel })
}
