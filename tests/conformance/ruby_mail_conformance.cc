// Conformance: the messages of Ruby's mail library (broken ones, RFC examples, reports, file names, charsets). They carry no expected
// values: what a structure must hold is checked, and the file names where an RFC leaves no doubt.

#include <algorithm>
#include <vector>

#include "mime_invariants.h"
#include "suite.h"

namespace godwit::conformance {
namespace {

struct Leaf {
  const char* file;
  std::size_t leaves;
};

// By RFC 2046 5.1 there can be no other number.
constexpr Leaf kLeaves[] = {
    {"mime_emails/email_with_similar_boundaries.eml", 3},
    {"mime_emails/raw_email_with_multipart_mixed_quoted_boundary.eml", 2},
    {"plain_emails/raw_email_simple.eml", 1},
    {"rfc2822/example03.eml", 1},
};

std::size_t count_leaves(std::string_view text) {
  const auto structure = message::parse_mime(text);
  return static_cast<std::size_t>(
      std::ranges::count_if(structure.parts, [](const auto& part) { return part.kind == message::Part::Kind::leaf; }));
}

int run(int argc, char** argv) {
  Suite suite("ruby-mail", argc, argv);
  if (!suite.folder()) return 0;
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*suite.folder())) {
    if (!entry.is_regular_file()) continue;
    const std::string file = std::filesystem::relative(entry.path(), *suite.folder()).string();
    if (file.ends_with(".eml") || file.starts_with("sample_")) files.push_back(file);
  }
  std::ranges::sort(files);
  for (const auto& file : files) {
    const auto why = check_structure(suite.read(file));
    if (why.empty())
      suite.pass();
    else
      suite.fail(file, why);
  }
  for (const auto& [file, leaves] : kLeaves) {
    const auto found = count_leaves(suite.read(file));
    if (found == leaves)
      suite.pass();
    else
      suite.fail(file, std::to_string(found) + " leaves, not " + std::to_string(leaves));
  }
  return suite.finish();
}

}  // namespace
}  // namespace godwit::conformance

int main(int argc, char** argv) { return godwit::conformance::run(argc, argv); }
