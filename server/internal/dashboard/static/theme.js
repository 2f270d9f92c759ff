// The theme that was chosen, before anything is drawn; without a choice it is the system's.
const theme = localStorage.getItem("theme");
if (theme) document.documentElement.dataset.theme = theme;
