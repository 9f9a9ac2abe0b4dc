#include "frontend/imapd/capabilities.h"

#include <algorithm>
#include <array>

namespace godwit::imapd {
namespace {

enum class When : std::uint8_t { always, after_login };

struct Entry {
  std::string_view name;
  When when;
};

// Before the login only what a client needs to get in (and LITERAL-, which the login itself may use): RFC 9051 6.1.1 leaves it open, and a
// short greeting tells a scanner little.
constexpr auto kEntries = std::to_array<Entry>({
    {"IMAP4REV1", When::always},
    {"IMAP4REV2", When::always},
    {"SASL-IR", When::always},           // RFC 4959
    {"LITERAL-", When::always},          // RFC 7888; LITERAL+ after the login
    {"ID", When::always},                // RFC 2971
    {"ENABLE", When::always},            // RFC 5161
    {"IDLE", When::after_login},         // RFC 2177
    {"NAMESPACE", When::after_login},    // RFC 2342
    {"CHILDREN", When::after_login},     // RFC 3348
    {"UIDPLUS", When::after_login},      // RFC 4315
    {"UNSELECT", When::after_login},     // RFC 3691
    {"MOVE", When::after_login},         // RFC 6851
    {"CONDSTORE", When::after_login},    // RFC 7162
    {"QRESYNC", When::after_login},      // RFC 7162
    {"SPECIAL-USE", When::after_login},  // RFC 6154
    {"CREATE-SPECIAL-USE", When::after_login},
    {"LIST-EXTENDED", When::after_login},  // RFC 5258
    {"LIST-STATUS", When::after_login},    // RFC 5819
    {"STATUS=SIZE", When::after_login},    // RFC 8438
    {"ESEARCH", When::after_login},        // RFC 4731
    {"SEARCHRES", When::after_login},      // RFC 5182
    {"WITHIN", When::after_login},         // RFC 5032
    {"SORT", When::after_login},           // RFC 5256
    {"SORT=DISPLAY", When::after_login},   // RFC 5957
    {"ESORT", When::after_login},          // RFC 5267
    {"THREAD=REFERENCES", When::after_login},
    {"THREAD=ORDEREDSUBJECT", When::after_login},
    {"MULTIAPPEND", When::after_login},  // RFC 3502
    {"BINARY", When::after_login},       // RFC 3516
    {"UTF8=ACCEPT", When::after_login},  // RFC 6855
    {"QUOTA", When::after_login},        // RFC 9208
    {"QUOTA=RES-STORAGE", When::after_login},
    {"QUOTA=RES-MESSAGE", When::after_login},
    {"OBJECTID", When::after_login},  // RFC 8474
    {"SAVEDATE", When::after_login},  // RFC 8514
    {"PREVIEW", When::after_login},   // RFC 8970
    {"XLIST", When::after_login},
    {"COMPRESS=DEFLATE", When::after_login},  // RFC 4978
});

// "IMAP4rev1" is written so in the RFC, and some clients compare.
std::string_view spelled(std::string_view name) {
  if (name == "IMAP4REV1") return "IMAP4rev1";
  if (name == "IMAP4REV2") return "IMAP4rev2";
  return name;
}

std::string all_that_may_go() {
  std::string all;
  for (const Entry& entry : kEntries)
    if (entry.name != "IMAP4REV1") (all += spelled(entry.name)) += ", ";
  return all + "LITERAL+, APPENDLIMIT";
}

}  // namespace

bool is_known_capability(std::string_view capability) {
  return std::ranges::any_of(kEntries, [&](const Entry& entry) { return entry.name == capability; }) || capability == "LITERAL+" ||
         capability == "APPENDLIMIT";
}

bool has_capability(std::string_view capability, const std::vector<std::string>& without) {
  return is_known_capability(capability) && std::ranges::find(without, capability) == without.end();
}

Result<std::vector<std::string>> read_without(std::vector<std::string> names) {
  for (std::string& name : names) {
    const std::string typed = name;
    std::ranges::transform(name, name.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    if (name == "IMAP4REV1")
      return fail(Error::permanent(Error::Cause::syntax, "IMAP4rev1 is the language itself; it cannot be switched off"));
    if (!is_known_capability(name))
      return fail(
          Error::permanent(Error::Cause::syntax, "\"" + typed + "\" is not a capability of this server; there are " + all_that_may_go()));
  }
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

std::string capability_list(const CapabilityState& state, const std::vector<std::string>& without) {
  std::string list;
  auto add = [&](std::string_view name) {
    if (!list.empty()) list += ' ';
    list += name;
  };
  for (const Entry& entry : kEntries) {
    if (entry.when == When::after_login && !state.authenticated) continue;
    if (!has_capability(entry.name, without)) continue;
    if (state.compressed && entry.name == "COMPRESS=DEFLATE") continue;
    const bool plus = entry.name == "LITERAL-" && state.authenticated && has_capability("LITERAL+", without);
    add(plus ? "LITERAL+" : spelled(entry.name));
  }
  if (!state.authenticated) {
    if (state.tls_offered) add("STARTTLS");
    add(state.may_log_in ? "AUTH=PLAIN AUTH=LOGIN" : "LOGINDISABLED");
    return list;
  }
  if (has_capability("APPENDLIMIT", without)) add("APPENDLIMIT=" + std::to_string(state.append_limit));
  return list;
}

}  // namespace godwit::imapd
