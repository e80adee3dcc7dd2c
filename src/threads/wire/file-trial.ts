/** What a thread is started with that loads a file for trial, and what it says of that. */
import type { CarriedFailure } from './carried-failure.js'

export interface FileTrialData {
  readonly directories: readonly string[]
  readonly implementation: string
}

export interface FileTrialResult {
  /** The file could not be loaded. */
  readonly failure?: CarriedFailure
}
