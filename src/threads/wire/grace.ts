/** What a call may take longer than its timeout, if its node does not come back to say so. Milliseconds. */
export const GRACE = 100
