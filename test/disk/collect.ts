/** Collects the memory that is not used any more: only then does libsql close what it was told to close. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose_gc')
export const collect = runInNewContext('gc') as () => void
