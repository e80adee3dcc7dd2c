/** The file of a store in its data directory. A backup of it has this name where it is to be one again. */
export const STORE_FILE = 'genservers.db'
