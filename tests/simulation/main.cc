// The delivery engine in simulated worlds, a world a seed.
//
//   simulation --seeds N [--from M] [--jobs J]    N seeds beginning with M (1); the figures of all, and each broken promise
//   simulation --seed N [--verbose]               one seed, its figures and the hash of its journal; every line of it
//   simulation --replay N                         each of the first N seeds twice: the same to the last byte
//   simulation --cuts N [--from M] [--jobs J]     N power cuts: at every write of a run of hours, then of the next seed's
//   simulation --seed N --cut-at K [--verbose]    one of them
//   simulation --storm N                          N messages to a site that answers 451 for eight hours
//
// Exit 1 if a promise was broken. A seed that fails is run again, and its journal looked at, with --seed N --verbose.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "simulation.h"

namespace godwit::simulation {
namespace {

struct Options {
  std::uint64_t from = 1;
  std::uint64_t seeds = 0;
  std::uint64_t jobs = 1;
  std::uint64_t replay = 0;
  std::uint64_t cuts = 0;
  std::uint64_t cut_at = 0;
  std::uint64_t storm = 0;
  bool hours = false;
  bool one = false;
  bool verbose = false;
};

struct Sum {
  std::uint64_t failed = 0;
  std::uint64_t seeds = 0;
  std::uint64_t cuts = 0;
  std::uint64_t starts = 0;
  std::uint64_t mails = 0;
  std::uint64_t recipients = 0;
  std::uint64_t taken = 0;
  std::uint64_t twice = 0;
  std::uint64_t local = 0;
  std::uint64_t failures = 0;
  std::uint64_t delays = 0;
  std::uint64_t attempts = 0;
  std::uint64_t most_attempts = 0;
  std::int64_t hours = 0;
  std::int64_t recovery = 0;  // hours
  std::int64_t latest_steady = 0;

  void add(const Report& report) {
    const Ledger::Totals& totals = report.totals;
    failed += report.violations.empty() ? 0 : 1;
    ++seeds;
    cuts += report.cuts;
    starts += report.starts;
    mails += totals.mails;
    recipients += totals.recipients;
    taken += totals.taken;
    twice += totals.twice;
    local += totals.local;
    failures += totals.failures;
    delays += totals.delays;
    attempts += totals.attempts;
    most_attempts = std::max(most_attempts, totals.most_attempts);
    hours += report.simulated / std::chrono::hours(1);
    recovery = std::max<std::int64_t>(recovery, report.recovery / std::chrono::hours(1));
    latest_steady = std::max<std::int64_t>(latest_steady, totals.latest_steady / std::chrono::seconds(1));
  }
  void add(const Sum& other) {
    failed += other.failed;
    seeds += other.seeds;
    cuts += other.cuts;
    starts += other.starts;
    mails += other.mails;
    recipients += other.recipients;
    taken += other.taken;
    twice += other.twice;
    local += other.local;
    failures += other.failures;
    delays += other.delays;
    attempts += other.attempts;
    most_attempts = std::max(most_attempts, other.most_attempts);
    hours += other.hours;
    recovery = std::max(recovery, other.recovery);
    latest_steady = std::max(latest_steady, other.latest_steady);
  }
  void print() const {
    fmt::print(
        "{} seeds, {} simulated days, {} power cuts, {} starts\n"
        "{} mails kept for {} recipients: taken by servers {} times, {} of them once more (250 not heard, or power cut), in mailboxes {}\n"
        "{} failures and {} delays reported; {} attempts, at most {} for a mail\n"
        "at most {} s to a server that is always well (without an outage of ours); at most {} h until everything has gone when all is well "
        "again\n"
        "{} seeds broke a promise\n",
        seeds, hours / 24, cuts, starts, mails, recipients, taken, twice, local, failures, delays, attempts, most_attempts, latest_steady,
        recovery, failed);
  }
};

// Every third is cut once more while it recovers and takes mail again.
std::uint64_t cut_again(std::uint64_t cut_at) { return cut_at > 0 && cut_at % 3 == 0 ? 1 + cut_at / 3 % 40 : 0; }

// At every write of the first run of hours, then of the next seed's, until there were so many.
Sum run_cuts(std::uint64_t from, std::uint64_t step, std::uint64_t cuts) {
  Sum sum;
  for (std::uint64_t seed = from; sum.cuts < cuts; seed += step) {
    const Report whole = simulate(seed, {.hours = true});
    sum.add(whole);
    for (std::uint64_t write = 1; write <= whole.writes && sum.cuts < cuts; ++write) {
      const Report report = simulate(seed, {.hours = true, .cut_at = write, .cut_again = cut_again(write)});
      sum.add(report);
      if (report.violations.empty()) continue;
      fmt::print("seed {}, cut at {}: {}\n", seed, write, fmt::join(report.violations, "\n  "));
      std::fflush(stdout);
    }
  }
  return sum;
}

Sum run_seeds(std::uint64_t from, std::uint64_t to, std::uint64_t step) {
  Sum sum;
  for (std::uint64_t seed = from; seed < to; seed += step) {
    const Report report = simulate(seed, {});
    sum.add(report);
    if (report.violations.empty()) continue;
    fmt::print("seed {}: {}\n", seed, fmt::join(report.violations, "\n  "));
    std::fflush(stdout);
  }
  return sum;
}

// A process a job; each takes every n-th seed.
Sum run_jobs(const Options& options) {
  const std::uint64_t to = options.from + options.seeds;
  const auto work = [&](std::uint64_t job) {
    if (options.cuts > 0) return run_cuts(options.from + job, options.jobs, (options.cuts + options.jobs - 1) / options.jobs);
    return run_seeds(options.from + job, to, options.jobs);
  };
  if (options.jobs <= 1) return work(0);
  std::vector<int> ends;
  std::fflush(stdout);
  for (std::uint64_t job = 0; job < options.jobs; ++job) {
    int pipe_ends[2];
    GODWIT_CHECK(pipe(pipe_ends) == 0);
    const pid_t child = fork();
    GODWIT_CHECK(child >= 0);
    if (child == 0) {
      const Sum sum = work(job);
      std::fflush(stdout);
      GODWIT_CHECK(write(pipe_ends[1], &sum, sizeof sum) == sizeof sum);
      _exit(0);
    }
    close(pipe_ends[1]);
    ends.push_back(pipe_ends[0]);
  }
  Sum all;
  for (const int end : ends) {
    Sum sum;
    if (read(end, &sum, sizeof sum) == sizeof sum)
      all.add(sum);
    else
      ++all.failed;  // it has died, and said why
    close(end);
  }
  while (wait(nullptr) > 0) {
  }
  return all;
}

int replay(const Options& options) {
  int failed = 0;
  for (std::uint64_t seed = options.from; seed < options.from + options.replay; ++seed) {
    const Report once = simulate(seed, {});
    const Report again = simulate(seed, {});
    if (once.hash == again.hash && once.lines == again.lines) continue;
    fmt::print("seed {}: {} lines with hash {:016x}, then {} with {:016x}\n", seed, once.lines, once.hash, again.lines, again.hash);
    ++failed;
  }
  fmt::print("{} seeds played twice, {} differ\n", options.replay, failed);
  return failed == 0 ? 0 : 1;
}

int run_one(const Options& options) {
  const Report report = simulate(
      options.from, {.print = options.verbose, .hours = options.hours, .cut_at = options.cut_at, .cut_again = cut_again(options.cut_at)});
  Sum sum;
  sum.add(report);
  sum.print();
  fmt::print("{} lines, hash {:016x}\n", report.lines, report.hash);
  for (const std::string& violation : report.violations) fmt::print("  {}\n", violation);
  return report.violations.empty() ? 0 : 1;
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--verbose") {
      options.verbose = true;
      continue;
    }
    std::uint64_t* into = name == "--seed" || name == "--from" ? &options.from
                          : name == "--seeds"                  ? &options.seeds
                          : name == "--jobs"                   ? &options.jobs
                          : name == "--replay"                 ? &options.replay
                          : name == "--cuts"                   ? &options.cuts
                          : name == "--cut-at"                 ? &options.cut_at
                          : name == "--storm"                  ? &options.storm
                                                               : nullptr;
    if (into == nullptr || i + 1 == argc) return false;
    const char* text = argv[++i];
    if (std::from_chars(text, text + std::strlen(text), *into).ec != std::errc()) return false;
    options.one = options.one || name == "--seed";
  }
  options.hours = options.cut_at > 0;
  return options.one || options.seeds > 0 || options.replay > 0 || options.cuts > 0 || options.storm > 0;
}

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    fmt::print(stderr,
               "simulation --seeds N | --cuts N [--from M] [--jobs J] | --seed N [--cut-at K] [--verbose] | --replay N | --storm N\n");
    return 2;
  }
  if (options.one) return run_one(options);
  if (options.replay > 0) return replay(options);
  if (options.storm > 0) return storm(options.storm);
  const Sum sum = run_jobs(options);
  sum.print();
  return sum.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace godwit::simulation

int main(int argc, char** argv) { return godwit::simulation::main(argc, argv); }
