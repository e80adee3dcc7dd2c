// Whose coverage is recorded: that of the core, by the tests of the core, which have to run each line of it by themselves. To record
// costs time, most of all where a test runs much.
export default (test) => (test.startsWith('dist/test/core/') ? 'dist/src/core/**/*.js' : null)
