/* Comforts only: every page works without this script. */
document.documentElement.classList.add("gs-js");
