// The peer of `bench.door`: probot with one empty handler, which checks the signature, parses, and stores nothing.
// PROBOT=<folder with node_modules> SECRET=… PATH_=/… PORT=… node probot.mjs
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { PROBOT, SECRET, HOOK, PORT } = process.env;
const find = createRequire(`${PROBOT}/package.json`);
const { createNodeMiddleware, createProbot } = await import(pathToFileURL(find.resolve("probot")).href);
const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
});
const probot = createProbot({ overrides: { appId: 1, privateKey, secret: SECRET, logLevel: "fatal" } });
const receive = await createNodeMiddleware((app) => app.on("issues", async () => {}), { probot, webhooksPath: HOOK });

createServer((request, response) => {
  if (request.url === "/readyz") response.end("ready");
  else receive(request, response, () => response.writeHead(404).end());
}).listen(Number(PORT), "127.0.0.1");
