// Conformance: the DKIM messages of mail-auth (folder dkim): lines "name TXT", an empty line, the message. The last signature of
// each has to pass, with the clock at 1667843664.

#include <algorithm>
#include <filesystem>

#include "dkim_messages.h"
#include "suite.h"

namespace godwit::conformance {
namespace {

constexpr WallTime kReceived{std::chrono::seconds(1'667'843'664)};

void judge(Suite& suite, const std::string& file) {
  const std::string text = with_crlf(suite.read(file));
  DkimWorld world;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(std::min(line.size() + 2, rest.size()));
    if (line.empty()) break;
    const auto space = line.find(' ');
    if (space != std::string_view::npos) world.dns().add_txt(line.substr(0, space), line.substr(space + 1));
  }
  const auto verdicts = world.verify(rest, kReceived, 1'000);
  if (!verdicts.empty() && verdicts.back().result == dkim::Result::pass)
    suite.pass();
  else
    suite.fail(file, describe(verdicts));
}

int run(int argc, char** argv) {
  Suite suite("mail-auth", argc, argv);
  if (!suite.folder()) return 0;
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(*suite.folder() / "dkim", error))
    if (entry.path().extension() == ".txt") files.push_back("dkim/" + entry.path().filename().string());
  std::ranges::sort(files);
  for (const std::string& file : files) judge(suite, file);
  return suite.finish();
}

}  // namespace
}  // namespace godwit::conformance

int main(int argc, char** argv) { return godwit::conformance::run(argc, argv); }
