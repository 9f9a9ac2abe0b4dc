#include "suite.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace godwit::conformance {
namespace {

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

std::filesystem::path find_folder(const std::string& name, int argc, char** argv) {
  if (argc > 1) return argv[1];
  const char* parent = std::getenv("GODWIT_CONFORMANCE_DIR");
  return std::filesystem::path(parent != nullptr && *parent != '\0' ? parent : GODWIT_CONFORMANCE_DEFAULT) / name;
}

}  // namespace

Suite::Suite(std::string name, int argc, char** argv) : name_(std::move(name)) {
  const auto folder = find_folder(name_, argc, argv);
  if (std::filesystem::is_directory(folder))
    folder_ = folder;
  else
    print("SKIPPED: no data for " + name_ + ": " + folder.string() +
          " is not a folder (give it as argument, or set GODWIT_CONFORMANCE_DIR)\n");
}

std::string Suite::read(std::string_view file) {
  const std::ifstream in(*folder_ / file, std::ios::binary);
  std::ostringstream out;
  if (in)
    out << in.rdbuf();
  else
    fail(file, "cannot be read");
  return out.str();
}

void Suite::fail(std::string_view test, std::string_view why) {
  ++failed_;
  print("FAILED  " + std::string(test) + ": " + std::string(why) + "\n");
}

void Suite::skip(std::string_view test, std::string_view why) {
  ++skipped_;
  print("skipped " + std::string(test) + ": " + std::string(why) + "\n");
}

int Suite::finish() const {
  if (folder_ && passed_ + failed_ + skipped_ == 0) {
    print("FAILED  " + name_ + ": the folder holds no case\n0 passed, 1 failed, 0 skipped\n");
    return 1;
  }
  print(std::to_string(passed_) + " passed, " + std::to_string(failed_) + " failed, " + std::to_string(skipped_) + " skipped\n");
  return failed_ == 0 ? 0 : 1;
}

std::string printable(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r') {
      out += "<CR>";
    } else if (c == '\n') {
      out += "<LF>";
    } else if (byte < 32 || byte == 127) {
      char text[8];
      std::snprintf(text, sizeof text, "<0x%02x>", byte);
      out += text;
    } else {
      out.push_back(c);
    }
  }
  return out;
}

}  // namespace godwit::conformance
