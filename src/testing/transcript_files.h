#pragma once
// The transcripts of a folder, for a test case each.

#include <algorithm>
#include <filesystem>
#include <vector>

namespace godwit::testing {

// Every .txt in it, by name.
inline std::vector<std::filesystem::path> transcript_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace godwit::testing
