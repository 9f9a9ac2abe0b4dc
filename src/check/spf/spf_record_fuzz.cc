// Records and macros: what is taken keeps its limits, each directive reads the same alone, and no expansion leaves the DNS's
// bounds or ASCII, whatever the record and the sender are.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "check/spf/record.h"
#include "check/spf/sender.h"

using namespace godwit;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

spf::MacroValues values_of(std::string_view text) {
  spf::MacroValues values;
  values.local = std::string(text.substr(0, 64));
  values.sender_domain = "email.example.com";
  values.domain = std::string(text.substr(text.size() / 2, 253));
  values.client.v6 = text.size() % 2 == 1;
  values.client_name = "mx.example.org";
  values.helo = std::string(text.substr(text.size() / 3, 255));
  values.receiver = "mx.example.net";
  return values;
}

void check_name(const spf::MacroString& spec, const spf::MacroValues& values) {
  const std::string name = spf::expand_name(spec, values);
  check(name.size() <= 253);
  if (spf::is_name(name)) check(!name.starts_with('.') && !name.ends_with('.'));
  check(!spec.uses('c') && !spec.uses('r') && !spec.uses('t'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const spf::MacroValues values = values_of(text);
  for (const std::string& record : {std::string(text), "v=spf1 " + std::string(text)}) {
    if (!spf::is_spf_record(record)) continue;
    const auto parsed = spf::parse_record(record);
    if (!parsed) {
      check(parsed.error().position <= record.size() && !parsed.error().text.empty());
      continue;
    }
    check(record.size() <= spf::kMaxRecord);
    for (const spf::Directive& directive : parsed->directives) {
      check(directive.network.prefix <= 128 && directive.cidr4 <= 32 && directive.cidr6 <= 128);
      const auto alone = spf::parse_record("v=spf1 " + directive.text);
      check(alone && alone->directives.size() == 1 && alone->directives[0].mechanism == directive.mechanism);
      if (!directive.domain.pieces.empty()) check_name(directive.domain, values);
    }
    if (parsed->redirect) check_name(*parsed->redirect, values);
    if (parsed->exp) check_name(*parsed->exp, values);
  }
  if (const auto explanation = spf::parse_explanation(text)) check(spf::expand_text(*explanation, values, 400).size() <= 400);
  spf::Question question;
  question.mail_from = std::string(text);
  check(!spf::sender_of(question).local.empty());
  return 0;
}
