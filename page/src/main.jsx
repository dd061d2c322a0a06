// The operator's page: signing in, and the frame around the views.

import { render } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { Frame } from "./frame.jsx";
import { SIGNED_OUT, setToken } from "./lib/api.js";
import { useResource, useRoute } from "./lib/hooks.js";
import { SignIn } from "./parts/sign_in.jsx";
import { Loading } from "./parts/states.jsx";

const ALSO_DOWN = [503];

function Page() {
  const [isIn, setIsIn] = useState(false);
  const [notice, setNotice] = useState(null);
  // Without a token, it tells an operator whom Cloudflare Access has let in from everybody else.
  const asked = isIn ? "health?" : "health";
  const health = useResource(asked, { every: 20, accepts: ALSO_DOWN });
  const route = useRoute();
  const signOut = useCallback((why) => {
    setToken(null);
    setNotice(why ?? null);
    setIsIn(false);
  }, []);
  const signIn = (token) => {
    setToken(token);
    setNotice(null);
    setIsIn(true);
  };
  const isLetIn = health.route === "health" && health.data?.deployment !== undefined;
  useEffect(() => {
    const leave = (event) => signOut(event.detail);
    addEventListener(SIGNED_OUT, leave);
    return () => removeEventListener(SIGNED_OUT, leave);
  }, [signOut]);
  if (health.data === null && health.error === null) return <Loading label="Evergraph is starting" />;
  if (!isIn && !isLetIn) return <SignIn health={health} notice={notice} onSignIn={signIn} />;
  return <Frame health={health} route={route} onSignOut={isIn ? () => signOut() : null} />;
}

// A key that is held down presses nothing again and again: no purge twice, no twenty attempts to sign in.
addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.repeat && event.target.localName !== "textarea") event.preventDefault();
});

const element = document.getElementById("page");
element.textContent = "";
render(<Page />, element);
