// Whose coverage is recorded: that of the core, by its own tests and those of what it answers over HTTP. To record costs time, most
// of all where a test runs much.
export default (test) => (/^dist\/test\/(core|http)\//.test(test) ? 'dist/src/core/**/*.js' : null)
