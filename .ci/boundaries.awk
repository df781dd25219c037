# The rules of .ci/boundaries over the Rust files it is given. It reads rustfmt's layout line by line and is no parser:
# it sees paths that are written out (`crate::…`, `super::…`, `vwh::…`), not what a macro or a re-export hides.

BEGIN {
  # module: the modules it may import. A module that is not named here (secret, webhook, files…) is common ground:
  # every module may import it, and it imports none of these.
  may["lib"] = "cli settings error commands journal http auth services delivery receiver sandbox output"
  may["cli"] = "commands settings output"
  # Settings fill in the types that these define, with the addresses that each service's room names, and run none of them.
  may["settings"] = "auth http services"
  may["error"] = "settings journal http auth services delivery receiver sandbox output"
  may["commands"] = "settings error journal http auth services delivery receiver sandbox output"
  may["journal"] = ""
  may["http"] = ""
  may["auth"] = "http"
  may["services"] = "http delivery"
  may["delivery"] = ""
  may["receiver"] = "delivery services"
  may["sandbox"] = "delivery services"
  may["output"] = ""
}

FNR == 1 {
  finish_use()
  enter(FILENAME)
  if ($0 !~ /^\/\/! ./) report("module-doc", "the first line says in a //! what the file is for and is not")
}

{
  sub(/\r$/, "")
  if (is_test_file || is_test_item()) next
  if ($0 ~ /^[ \t]*\/\//) next
  sub(/[ \t]\/\/.*/, "")
  check_words()
  collect_use()
}

END {
  finish_use()
  exit violations > 0
}

function report(rule, reason, line) {
  line = sprintf("%s: %s:%d: %s", rule, FILENAME, FNR, reason)
  # Several names of one use statement are one violation.
  if (line != last_line) print line
  last_line = line
  violations++
}

# Remembers which module `path` is, and how deep below the crate.
function enter(path, parts, count) {
  sub(/^\.\//, "", path)
  sub(/\.rs$/, "", path)
  sub(/\/mod$/, "", path)
  count = split(path, parts, "/")
  module = parts[2]
  depth = count - 1
  file = path
  is_test_file = path ~ /\/tests(\/|$)/
  in_test = 0
  pending = ""
}

# True from #[cfg(test)] to the end of the item it stands on, which rustfmt puts at the same indent.
function is_test_item(indent) {
  match($0, /^ */)
  indent = RLENGTH
  if (!in_test && $0 ~ /^ *#\[cfg\((all\()?test[,)]/) {
    in_test = 1
    test_indent = indent
    return 1
  }
  if (!in_test) return 0
  if (indent == test_indent && $0 !~ /^ *#/ && $0 ~ /[;}]$/) in_test = 0
  return 1
}

# A use statement may run over several lines; every other path stands on one.
function collect_use() {
  if (pending != "") {
    pending = pending $0
  } else if ($0 ~ /^[ \t]*(pub(\([a-z ]+\))? )?use /) {
    pending = $0
    sub(/^[ \t]*(pub(\([a-z ]+\))? )?use /, "", pending)
  } else {
    check_paths($0)
    return
  }
  if (pending ~ /;/) finish_use()
}

function finish_use(text) {
  if (pending == "") return
  text = pending
  pending = ""
  gsub(/[ \t]/, "", text)
  sub(/;.*/, "", text)
  expand("", text)
}

# Calls check_path for each path of a use tree.
function expand(prefix, tree, i, letter, level, start) {
  i = index(tree, "{")
  if (i == 0) {
    check_path(prefix tree)
    return
  }
  prefix = prefix substr(tree, 1, i - 1)
  tree = substr(tree, i + 1)
  sub(/\}$/, "", tree)
  level = 0
  start = 1
  for (i = 1; i <= length(tree) + 1; i++) {
    letter = substr(tree, i, 1)
    if (letter == "{") level++
    if (letter == "}") level--
    if (level == 0 && (letter == "," || letter == "")) {
      if (i > start) expand(prefix, substr(tree, start, i - start))
      start = i + 1
    }
  }
}

function check_paths(line, path) {
  while (match(line, /(^|[^A-Za-z0-9_:])(crate|super|vwh)(::[A-Za-z0-9_]+)+/)) {
    path = substr(line, RSTART, RLENGTH)
    line = substr(line, RSTART + RLENGTH)
    sub(/^[^csv]/, "", path)
    check_path(path)
  }
}

# Follows `super`s up, then judges the path by the module it leads to.
function check_path(path, parts, count, ups, target, allowed) {
  count = split(path, parts, "::")
  if (parts[1] == "reqwest" && parts[2] ~ /^(Client|blocking)/ && !may_build_clients()) report_client()
  if (module == "main") {
    if (parts[1] == "vwh" && parts[2] != "run") report("main-calls-lib", "main calls vwh::run and nothing else")
    return
  }
  if (parts[1] == "super") {
    for (ups = 1; parts[ups + 1] == "super"; ups++);
    if (ups < depth) return
  } else if (parts[1] == "crate") {
    ups = 1
  } else {
    return
  }
  target = parts[ups + 1]
  if (target == module || !(target in may)) return
  allowed = (module in may) ? may[module] : ""
  if (index(" " allowed " ", " " target " ") > 0) {
    if (target == "services" && (module == "receiver" || module == "sandbox")) check_room(path, parts[ups + 2], parts[ups + 3])
  } else if (target == "error") {
    report("no-upward-error", module " has errors of its own; crate::error is made of them")
  } else {
    report("direction", module " may not import " target ", only " \
      (allowed == "" ? "common ground" : allowed " and common ground"))
  }
}

# What `incoming` brings together is made of those parts of the rooms alone.
function check_room(path, service, room) {
  if ((service == "incoming" || service == "facts") && module == "receiver") return
  if (room != "wire" && room != "signature" && room != "delivery")
    report("only-shared-rooms", module " shares a service's wire, signature and delivery, not " path)
}

function may_build_clients() {
  return module == "http" || module == "network" || file ~ /^src\/delivery\/send(\/|$)/
}

function report_client() {
  report("http-builds-clients", "only http and delivery::send build a reqwest client, with what network gives them")
}

function check_words() {
  if (module == "cli" && /::run\(|\.await/) report("cli-has-no-logic", "cli is the command tree, run by lib")
  if (module == "output" && /(^|[^A-Za-z0-9_])(reqwest|clap)(::|;| as )/)
    report("output-is-plain", "output knows neither reqwest nor clap")
  if (!may_build_clients() \
    && /ClientBuilder|reqwest::(Client([^A-Za-z0-9_]|$)|blocking|get\()/) report_client()
  if (module != "settings" \
    && /(^|[^A-Za-z0-9_])env::(\{|vars?|vars?_os|home_dir|temp_dir|set_var|remove_var)([^A-Za-z0-9_]|$)|etcetera::|#\[arg\(([^"]*[ ,])?env([ ,)=]|$)/)
    report("settings-reads-environment", "only settings reads the environment and the places it names")
  if (module != "output" \
    && (/(^|[^A-Za-z0-9_])e?print(ln)?!/ || (/(^|[^.A-Za-z0-9_])(stdout|stderr)\(\)/ && !/fn (stdout|stderr)\(\)/)))
    report("output-writes", "only output writes to stdout and stderr")
  if (module != "error" && module != "main" && module != "lib" && /(^|[^A-Za-z0-9_])(ExitCode|process::exit)([^A-Za-z0-9_]|$)/)
    report("error-picks-exit-codes", "only error picks exit codes, and lib and main return them")
  if (module ~ /^(webhook|journal|services|delivery|output)$/ \
    && /(Utc|Local|SystemTime)::now\(|(^|[^A-Za-z0-9_])getrandom|new_v4\(/)
    report("time-comes-in", module " is handed the time and randomness as values")
  if (module !~ /^(webhook|services|sandbox)$/ && file !~ /^src\/commands\/sandbox\// \
    && /ServiceKind::(Vis|ContactCenter|Voipbin)([^A-Za-z0-9_]|$)/)
    report("services-are-asked", module " asks a service for its facts, and compares no names")
}
