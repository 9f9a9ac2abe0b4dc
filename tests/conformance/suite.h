#pragma once
// What every conformance runner does: find the suite's folder, count, print what failed or was skipped and why, end with the
// counts. Used by one thread.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace godwit::conformance {

class Suite {
 public:
  // argv[1] is the folder; without it $GODWIT_CONFORMANCE_DIR/<name>, else ../shared/conformance/<name> beside the project.
  Suite(std::string name, int argc, char** argv);

  // Null when the data is not there: said aloud, and main returns 0.
  const std::optional<std::filesystem::path>& folder() const { return folder_; }
  // A file of the folder, whole. A missing one is a failure of the suite.
  std::string read(std::string_view file);

  void pass() { ++passed_; }
  void fail(std::string_view test, std::string_view why);
  // A listed exception: `why` names the RFC clause that the case contradicts.
  void skip(std::string_view test, std::string_view why);

  int finish() const;  // prints 'N passed, N failed, N skipped'; the exit status

 private:
  std::string name_;
  std::optional<std::filesystem::path> folder_;
  int passed_ = 0;
  int failed_ = 0;
  int skipped_ = 0;
};

// Control characters as "<CR>", "<0x07>", so that a case can be read in a terminal.
std::string printable(std::string_view bytes);

}  // namespace godwit::conformance
