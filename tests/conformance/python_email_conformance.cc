// Conformance: the messages of Python's email tests and what a structure must hold for each. They are stored with LF; with CRLF they have
// the same parts.

#include <algorithm>
#include <vector>

#include "mime_invariants.h"
#include "suite.h"

namespace godwit::conformance {
namespace {

std::string with_crlf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' && !out.ends_with('\r')) out.push_back('\r');
    out.push_back(c);
  }
  return out;
}

std::string same_parts(const std::string& lf, const std::string& crlf) {
  const auto a = message::parse_mime(lf);
  const auto b = message::parse_mime(crlf);
  if (a.parts.size() != b.parts.size()) return "with CRLF it has other parts";
  for (std::size_t i = 0; i < a.parts.size(); ++i) {
    const auto& x = a.parts[i];
    const auto& y = b.parts[i];
    if (x.type != y.type || x.parent != y.parent || x.body_lines != y.body_lines) return "with CRLF a part differs";
    if (with_lf(cut(crlf, y.body_begin, y.body_end)) != with_lf(cut(lf, x.body_begin, x.body_end))) return "with CRLF a body differs";
  }
  return "";
}

int run(int argc, char** argv) {
  Suite suite("python-email", argc, argv);
  if (!suite.folder()) return 0;
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(*suite.folder())) {
    const std::string file = entry.path().filename().string();
    if (file.starts_with("msg_")) files.push_back(file);
  }
  std::ranges::sort(files);
  for (const auto& file : files) {
    const std::string text = suite.read(file);
    const std::string crlf = with_crlf(text);
    for (const auto& why : {check_structure(text), check_structure(crlf), same_parts(text, crlf)}) {
      if (why.empty())
        suite.pass();
      else
        suite.fail(file, why);
    }
  }
  return suite.finish();
}

}  // namespace
}  // namespace godwit::conformance

int main(int argc, char** argv) { return godwit::conformance::run(argc, argv); }
