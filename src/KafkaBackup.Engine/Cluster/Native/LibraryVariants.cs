using System.Reflection;
using System.Runtime.InteropServices;

namespace KafkaBackup.Engine.Cluster.Native;

/// <summary>
/// Which of the package's builds of librdkafka fits this machine. For Linux it brings three: one linked against the SASL library under the
/// name that Red Hat gives it (with Kerberos), one for any glibc of 2.28 or newer without Kerberos, and one for musl. Debian and Ubuntu,
/// which name the SASL library differently, load the second.
/// </summary>
internal static class LibraryVariants
{
    private static readonly string[] OnLinux = [LibRdKafka.Library, "centos8-librdkafka", "alpine-librdkafka"];

    /// <summary>Called once per process, before the first call into the library.</summary>
    public static void Register() => NativeLibrary.SetDllImportResolver(typeof(LibraryVariants).Assembly, Resolve);

    /// <summary>Zero when none fits: the runtime then looks for the plain name in its own way, and says why that fails.</summary>
    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? search) =>
        name == LibRdKafka.Library && OperatingSystem.IsLinux()
            ? OnLinux.Select(variant => TryLoad(variant, assembly, search)).FirstOrDefault(library => library != 0)
            : 0;

    private static nint TryLoad(string variant, Assembly assembly, DllImportSearchPath? search)
    {
        try
        {
            if (!NativeLibrary.TryLoad(variant, assembly, search, out var library))
            {
                return 0;
            }

            // Where the package's own build does not load, the system's is found under the same name: often years older.
            if (IsNewEnough(library))
            {
                return library;
            }

            NativeLibrary.Free(library);
            return 0;
        }
        catch (DllNotFoundException)
        {
            // A load context that has the file, but not what the file needs.
            return 0;
        }
    }

    private static unsafe bool IsNewEnough(nint library) =>
        NativeLibrary.TryGetExport(library, nameof(LibRdKafka.rd_kafka_version), out var version)
        && ((delegate* unmanaged[Cdecl]<int>)version)() >= NativeLibraryCheck.OldestVersion;
}
