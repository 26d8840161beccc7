namespace KafkaBackup.Engine.Cluster.Native;

/// <summary>Says in a user's words what is wrong with the native library, before the first real call would fail in its own way.</summary>
internal static class NativeLibraryCheck
{
    /// <summary>2.8: what the admin calls used here need, and the first with the fixes to transactions that restores rely on.</summary>
    public const int OldestVersion = 0x02_08_00_00;

    public static void Run() => Run(LibRdKafka.rd_kafka_version);

    /// <param name="version">Asks the library; tests put their own here.</param>
    public static void Run(Func<int> version)
    {
        int found;
        try
        {
            found = version();
        }
        catch (DllNotFoundException missing)
        {
            throw ErrorIds.NativeLibraryMissing.With(
                $"The Kafka client library (librdkafka) could not be loaded on this machine: {Reason(missing)}",
                LibRdKafka.Library,
                inner: missing
            );
        }
        catch (BadImageFormatException wrong)
        {
            throw ErrorIds.NativeLibraryMissing.With(
                "The Kafka client library (librdkafka) that was found is for another kind of processor or operating system.",
                LibRdKafka.Library,
                inner: wrong
            );
        }
        catch (EntryPointNotFoundException wrong)
        {
            throw ErrorIds.NativeLibraryTooOld.With(
                "The library found under the name librdkafka is not librdkafka, or a very old one.",
                LibRdKafka.Library,
                inner: wrong
            );
        }

        if (found < OldestVersion)
        {
            throw ErrorIds.NativeLibraryTooOld.With(
                $"The Kafka client library found is librdkafka {Readable(found)}; {Readable(OldestVersion)} or newer is needed.",
                LibRdKafka.Library
            );
        }
    }

    /// <summary>On Unix the runtime begins with general advice; what the loader said stands in the lines below it.</summary>
    private static string Reason(DllNotFoundException missing)
    {
        var lines = missing.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return string.Join("; ", lines.Length > 1 ? lines[1..] : lines);
    }

    /// <summary>The library packs its version as 0xMMmmrrxx.</summary>
    private static string Readable(int version) => $"{version >> 24}.{(version >> 16) & 0xff}.{(version >> 8) & 0xff}";
}
