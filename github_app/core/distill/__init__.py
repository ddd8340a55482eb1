"""From what a tool printed to what is wrong: failing tests, assertions, compiler errors, and where they are. The same
for a verifier in the sandbox and for a job of CI. Pure, linear in what was printed, and bounded in what is left."""
