// Conformance: the address tests of isemail, each twice: as a Mailbox of the envelope (smtp::parse_address) and as an
// addr-spec of a header field (message::parse_addr_spec). The mapping of categories is the one of the suite's SOURCE.md.

#include <algorithm>
#include <array>

#include "grammar/message/address.h"
#include "grammar/smtp/path.h"
#include "isemail_xml.h"
#include "suite.h"

namespace godwit::conformance {
namespace {

enum class Where { envelope, header };

bool has_high(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; });
}

// Where a case says other than the RFCs in force: the clause, or nothing.
std::string_view exception(const IsemailCase& test, Where where) {
  // RFC 5321 4.1.3: "::" stands for two groups at least ("no more than 6 groups in addition"). tests.xml has been corrected to
  // say so since its version 3.05, tests-original.xml has not.
  if (where == Where::envelope && test.category == "ISEMAIL_RFC5321" && test.diagnosis == "ISEMAIL_RFC5321_IPV6DEPRECATED")
    return "RFC 5321 4.1.3: \"::\" does not stand for a single group";
  // The suite knows ASCII only.
  if (test.category == "ISEMAIL_ERR" && has_high(test.address))
    return where == Where::envelope ? "RFC 6531 3.3: UTF-8 is allowed here" : "RFC 6532 3.2: UTF-8 is allowed here";
  return {};
}

bool expects_acceptance(const IsemailCase& test, Where where) {
  static constexpr std::array<std::string_view, 3> kEnvelope{"ISEMAIL_VALID_CATEGORY", "ISEMAIL_DNSWARN", "ISEMAIL_RFC5321"};
  if (where == Where::header) return test.category != "ISEMAIL_ERR";
  return std::ranges::find(kEnvelope, test.category) != kEnvelope.end();
}

// "" when it is taken, else why not.
std::string refusal(const IsemailCase& test, Where where) {
  Error error;
  if (where == Where::envelope) {
    const auto parsed = smtp::parse_address(test.address);
    if (parsed) return "";
    error = parsed.error();
  } else {
    const auto parsed = message::parse_addr_spec(test.address);
    if (parsed) return "";
    error = parsed.error();
  }
  return error.text + " (byte " + std::to_string(error.position) + ")";
}

void judge(Suite& suite, const std::string& file, const IsemailCase& test, Where where) {
  const std::string name = file + " " + test.id + (where == Where::envelope ? " as Mailbox" : " as addr-spec") + ", " + test.diagnosis +
                           ", " + printable(test.address);
  const bool wanted = expects_acceptance(test, where);
  const std::string why = refusal(test, where);
  if (wanted == why.empty()) return suite.pass();
  if (const auto clause = exception(test, where); !clause.empty()) return suite.skip(name, clause);
  suite.fail(name, wanted ? "refused: " + why : "accepted, should be refused");
}

int run(int argc, char** argv) {
  Suite suite("isemail", argc, argv);
  if (!suite.folder()) return 0;
  for (const std::string file : {"tests.xml", "tests-original.xml"}) {
    for (const auto& test : parse_isemail(suite.read(file))) {
      judge(suite, file, test, Where::envelope);
      judge(suite, file, test, Where::header);
    }
  }
  return suite.finish();
}

}  // namespace
}  // namespace godwit::conformance

int main(int argc, char** argv) { return godwit::conformance::run(argc, argv); }
