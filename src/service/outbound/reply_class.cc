#include "service/outbound/reply_class.h"

#include <fmt/format.h>
#include <re2/set.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/toml_reader.h"

namespace godwit::outbound {

extern const std::string_view kShippedReplyClasses;  // share/reply-classes.toml

namespace {

constexpr std::int64_t kMatcherMemory = 64 << 20;  // the most that RE2 takes for its states; it forgets and begins anew

constexpr std::string_view kByStatus[] = {"unknown_user",   "unknown_domain",
                                          "bad_sender",     "inactive_mailbox",
                                          "mailbox_full",   "too_big",
                                          "protocol",       "server_trouble",
                                          "unreachable",    "dns",
                                          "loop",           "tls",
                                          "authentication", "rate_limited",
                                          "policy",         "too_many_recipients",
                                          "other"};

// Addresses that a server echoes are the sender's and the recipient's words: they decide nothing.
std::string without_addresses(std::string_view reply) {
  std::string out;
  while (true) {
    const std::size_t open = reply.find('<');
    const std::size_t close = open == std::string_view::npos ? open : reply.find('>', open);
    if (close == std::string_view::npos) return out.append(reply);
    out.append(reply.substr(0, open + 1)).push_back('>');
    reply.remove_prefix(close + 1);
  }
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= ReplyClasses::kName &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

RE2::Options options() {
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_log_errors(false);
  options.set_max_mem(kMatcherMemory);
  return options;
}

Action to_action(std::string_view word) {
  if (word == "retry_sooner") return Action::retry_sooner;
  if (word == "slow_site") return Action::slow_site;
  if (word == "rest_site") return Action::rest_site;
  if (word == "suspend_source") return Action::suspend_source;
  if (word == "other_family") return Action::other_family;
  if (word == "stop_tenant") return Action::stop_tenant;
  return word == "bounce" ? Action::bounce : Action::keep;
}

ReplyClass read_class(const std::string& name, TomlTable& table) {
  ReplyClass out{name, Action::keep, {}};
  std::string action = "keep";
  table.choice("action", action,
               {"keep", "retry_sooner", "slow_site", "suspend_source", "rest_site", "other_family", "stop_tenant", "bounce"});
  table.duration("after", out.after, std::chrono::seconds(1));
  out.action = to_action(action);
  const bool needs_time = out.action == Action::retry_sooner || out.action == Action::rest_site || out.action == Action::suspend_source ||
                          out.action == Action::stop_tenant;
  if (needs_time && !table.has("after"))
    table.error("after", fmt::format("is missing: {} needs to know how long; write after = \"5m\"", action));
  if (!needs_time && table.has("after")) table.error("after", fmt::format("means nothing for {}; remove it", action));
  if (out.after > std::chrono::hours(24)) table.error("after", "is more than a day");
  return out;
}

std::string describe(const ConfigError& error) {
  const std::string where = error.line == 0 ? std::string() : fmt::format("{}:{}: ", error.line, error.column);
  return where + (error.key.empty() ? std::string() : error.key + ": ") + error.problem;
}

}  // namespace

struct ReplyClasses::Rules {
  struct Rule {
    const ReplyClass* of;
    std::size_t table;
  };
  RE2::Set set{options(), RE2::UNANCHORED};
  std::vector<Rule> list;  // by the number of the expression in the set

  Result<void> add(const std::string& expression, Rule rule) {
    if (expression.size() > kExpression) return fail(Error::syntax(fmt::format("an expression has at most {} characters", kExpression), 0));
    if (list.size() >= kExpressions) return fail(Error::syntax(fmt::format("there are more than {} expressions", kExpressions), 0));
    std::string why;
    if (set.Add(expression, &why) < 0)
      return fail(Error::syntax(fmt::format("\"{}\" is not a regular expression: {}", expression, why), 0));
    list.push_back(rule);
    return {};
  }
};

// Reads one table into `out`.
struct ReplyClasses::Reader {
  ReplyClasses& out;
  std::size_t table;

  void read(TomlTable& root) {
    root.named_tables("class", [this](const std::string& name, TomlTable& of) { read_class(name, of); });
    root.tables("rule", [this](TomlTable& rule) { read_rule(rule); });
  }

  void read_class(const std::string& name, TomlTable& from) {
    ReplyClass read = outbound::read_class(name, from);
    if (!is_name(name))
      return from.error("action", fmt::format("a class is named in small letters, digits and _, at most {} of them", kName));
    if (out.classes_.size() >= kClasses) return from.error("action", fmt::format("there are more than {} classes", kClasses));
    out.classes_[name] = std::move(read);
  }

  void read_rule(TomlTable& from) {
    std::string name;
    std::vector<std::string> replies;
    from.text("class", name);
    from.texts("replies", replies);
    const ReplyClass* of = out.find(name);
    if (!of) return from.error("class", name.empty() ? "is missing" : fmt::format("there is no [class.{}]", name));
    if (replies.empty()) return from.error("replies", "is missing; write replies = ['^4.. .*greylist']");
    for (const std::string& expression : replies)
      if (const auto added = out.rules_->add(expression, {of, table}); !added) return from.error("replies", added.error().text);
  }
};

ReplyClasses::ReplyClasses() : rules_(std::make_unique<Rules>()) {}
ReplyClasses::~ReplyClasses() = default;

// The last table first: the rules of an earlier one may name its classes.
Result<std::shared_ptr<const ReplyClasses>> ReplyClasses::parse(const std::vector<std::string_view>& tables) {
  std::shared_ptr<ReplyClasses> out(new ReplyClasses());
  for (const std::string_view name : kByStatus) out->classes_[std::string(name)].name = name;
  for (std::size_t i = tables.size(); i-- > 0;) {
    TomlDocument document;
    Reader reader{*out, i};
    if (document.load_text(tables[i])) document.read([&](TomlTable& root) { reader.read(root); });
    if (!document.errors().empty()) return fail(Error::permanent(Error::Cause::syntax, describe(document.errors().front())));
  }
  if (!out->rules_->set.Compile()) return fail(Error::permanent(Error::Cause::limit, "the expressions together need too much memory"));
  return out;
}

std::shared_ptr<const ReplyClasses> ReplyClasses::shipped() {
  static const std::shared_ptr<const ReplyClasses> instance = [] {
    auto parsed = parse({kShippedReplyClasses});
    GODWIT_CHECK(parsed);
    return *std::move(parsed);
  }();
  return instance;
}

Result<std::shared_ptr<const ReplyClasses>> ReplyClasses::load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return fail(Error::permanent(Error::Cause::not_found, fmt::format("cannot read {}", path)));
  const std::string own = std::move(text).str();
  auto parsed = parse({own, kShippedReplyClasses});
  if (!parsed) return fail(Error::permanent(parsed.error().cause, fmt::format("{}:{}", path, parsed.error().text)));
  return parsed;
}

const ReplyClass* ReplyClasses::find(std::string_view name) const {
  const auto found = classes_.find(name);
  return found == classes_.end() ? nullptr : &found->second;
}

const ReplyClass& ReplyClasses::classify(std::string_view reply, const smtp::EnhancedCode& status) const {
  const std::string looked = without_addresses(reply.substr(0, kLooked));
  std::vector<int> matches;
  // false also when the matcher runs out of memory: then the status alone decides
  if (!looked.empty() && rules_->set.Match(re2::StringPiece(looked.data(), looked.size()), &matches) && !matches.empty()) {
    const auto first = std::ranges::min_element(
        matches, {}, [this](int number) { return std::pair(rules_->list[static_cast<std::size_t>(number)].table, number); });
    return *rules_->list[static_cast<std::size_t>(*first)].of;
  }
  return *find(class_by_status(status));
}

}  // namespace godwit::outbound
