// A certified OpenID provider on a free port of this machine. It prints the port, then serves until stdin ends.
// argv[2]: the client's redirect address. Its "login" takes any name; the groups are what follows the first dot.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const port = server.address().port;
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [
      {
        client_id: "lobeda",
        client_secret: "a-secret-of-the-tests",
        redirect_uris: [process.argv[2]],
        response_types: ["code"],
        grant_types: ["authorization_code"],
      },
    ],
    claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
    conformIdTokenClaims: false, // claims of the scopes are in the ID token, as city providers have it
    pkce: { required: () => true },
    cookies: { keys: ["tests"] },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id.split(".")[0], groups: id.split(".").slice(1) }),
    }),
  });
  server.on("request", provider.callback());
  console.log(port);
});
process.stdin.resume().on("end", () => process.exit(0));
