// Conformance: the ARC messages of mail-auth (folder arc): lines "name TXT", an empty line, the message. The chain has to pass, and
// one DKIM signature at least.

#include <algorithm>
#include <filesystem>

#include "check/arc/validate.h"
#include "dkim_messages.h"
#include "suite.h"

namespace godwit::conformance {
namespace {

constexpr WallTime kReceived{std::chrono::seconds(1'674'137'914)};

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
  const auto signatures = world.verify(rest, kReceived, 1'000);
  testing::TestLoop loop;
  arc::Validator validator({}, kReceived);
  validator.feed(rest);
  const arc::Verdict verdict = loop.run(validator.finish(world.dns()));
  if (verdict.result != arc::ChainState::pass)
    suite.fail(file, verdict.text);
  else if (overall(signatures) != dkim::Result::pass)
    suite.fail(file, describe(signatures));
  else
    suite.pass();
}

int run(int argc, char** argv) {
  Suite suite("mail-auth", argc, argv);
  if (!suite.folder()) return 0;
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(*suite.folder() / "arc", error))
    if (entry.path().extension() == ".txt") files.push_back("arc/" + entry.path().filename().string());
  std::ranges::sort(files);
  for (const std::string& file : files) judge(suite, file);
  return suite.finish();
}

}  // namespace
}  // namespace godwit::conformance

int main(int argc, char** argv) { return godwit::conformance::run(argc, argv); }
