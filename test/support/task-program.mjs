// The program that TaskRunner tests run as a worker: it behaves as BEHAVE says, and shows its environment on request.
const behave = process.env.BEHAVE ?? 'run';
if (behave.startsWith('exit:')) process.exit(Number(behave.slice(5)));
process.on('SIGTERM', () => {
  if (behave !== 'stubborn') process.exit(0);
});
if (behave === 'environment') process.stdout.write(`${JSON.stringify(process.env)}\n`);
setInterval(() => {}, 1_000);
process.stdout.write('up\n');
