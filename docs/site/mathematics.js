// Pages with equations load MathJax, which stands beside this file; it draws them as SVG, without fonts.
const here = document.currentScript.src;
window.MathJax = {
  tex: {inlineMath: [["\\(", "\\)"]], displayMath: [["\\[", "\\]"]]},
  options: {ignoreHtmlClass: ".*|", processHtmlClass: "arithmatex"},
};
if (document.querySelector(".arithmatex")) {
  const script = document.createElement("script");
  script.src = new URL("mathjax.js", here).href;
  document.head.append(script);
}
