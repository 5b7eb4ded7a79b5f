"""How the page looks. Status is never told by colour alone: words and fills say it too."""

STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--faint:#57606a;--rule:#d0d7de;--soft:#f6f8fa;
--good:#14692e;--bad:#b3261e;--open:#8a5a00;--goodfill:#2f8f4e;--badfill:#d9695f;--stripe:#c9cfd6}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ec;--paper:#14171a;--faint:#9aa4ae;--rule:#353c44;--soft:#1c2126;
--good:#7fd694;--bad:#ff9c93;--open:#f0c064;--goodfill:#3f9a5c;--badfill:#b4544b;--stripe:#4a525b}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:68rem;padding:1rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.3rem;margin:0}h2{font-size:1.1rem;margin:0 0 .5rem}section,footer{margin-top:2rem}
header{display:flex;gap:1.25rem;align-items:center;padding:1rem 1.25rem;border:2px solid;border-radius:10px}
header p{margin:.2rem 0}header ul{margin:.4rem 0 0;padding-left:1.2rem}
.decision{font-size:clamp(1.5rem,5vw,2.6rem);font-weight:800;letter-spacing:.02em;white-space:nowrap}
header.go{border-color:var(--good)}header.nogo{border-color:var(--bad)}header.incomplete{border-color:var(--open)}
.go .decision,.good{color:var(--good)}.nogo .decision,.bad{color:var(--bad)}.incomplete .decision{color:var(--open)}
dl{display:flex;flex-wrap:wrap;gap:.4rem 1.75rem;margin:1rem 0 0}dt{font-size:.8rem;color:var(--faint)}dd{margin:0}
a{color:inherit}.faint{color:var(--faint);font-size:.9rem}
code{font:.86em/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
.unknown,.failed{padding:1rem 1.25rem;border-radius:10px;background:var(--soft);border-left:6px solid var(--open)}
.failed{border-left-color:var(--bad)}.failed em{font-style:normal;font-weight:600;color:var(--bad)}
.groups{list-style:none;padding:0;margin:.5rem 0}.groups li{margin:.5rem 0}
.chip{display:inline-block;padding:0 .4rem;margin:.1rem 0;border:1px solid var(--rule);border-radius:5px;
font-size:.85rem;text-decoration:none;background:var(--paper)}.chip.block{border:2px solid var(--open);font-weight:600}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--rule);text-align:left;vertical-align:top}
.bars th:first-child{white-space:nowrap;font-weight:400}.bars td:nth-child(2){width:60%}
.bars th:nth-child(n+3),.bars td:nth-child(n+3){text-align:right}
.bar{display:flex;height:1.05rem;margin-top:.2rem;border:1px solid var(--rule);border-radius:4px;overflow:hidden}
.earned{background:var(--goodfill)}.lost{background:var(--badfill)}
.blank{background:repeating-linear-gradient(135deg,var(--paper) 0 5px,var(--stripe) 5px 8px)}
.bar,.key i{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.key{font-weight:400;font-size:.85rem}.key span{white-space:nowrap;margin-right:.4rem}
.key i{display:inline-block;width:1.4rem;height:.7rem;margin:0 .25rem 0 0;
border:1px solid var(--rule)}
details{border-bottom:1px solid var(--rule)}summary{padding:.4rem 0;cursor:pointer;display:flex;gap:.6rem}
summary .title{flex:1}.status{white-space:nowrap;font-size:.9rem}.in{padding:0 0 1rem 1rem}.in p{margin:.35rem 0}
.pass .status{color:var(--good)}.fail .status{color:var(--bad);font-weight:700}
.error .status,.not_measured .status,.waived .status{color:var(--open)}.not_applicable .status{color:var(--faint)}
.evidence{margin:.6rem 0;padding:.5rem .75rem;background:var(--soft);border-radius:8px}
.hash{color:var(--faint);font-size:.75rem}
pre{margin:.4rem 0 0;max-height:18rem;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere;
font:12.5px/1.45 ui-monospace,monospace}
.findings td:first-child{white-space:nowrap}.findings td:nth-child(2){overflow-wrap:anywhere;min-width:12rem}
@media (max-width:40rem){header{flex-direction:column;align-items:flex-start;gap:.3rem}.bars td:nth-child(2){width:45%}
th,td{padding:.3rem .35rem}}
@media print{body{max-width:none;font-size:11pt}details{break-inside:avoid}pre{max-height:none}
details::details-content{content-visibility:visible;block-size:auto}a{text-decoration:none}}
"""
