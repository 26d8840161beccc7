using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.InteropServices;

namespace KafkaBackup.Engine.Format.Compression;

/// <summary>The machine's libzstd, as far as it is needed here. Loaded once, on first use.</summary>
internal sealed unsafe class ZstdLibrary
{
    public const int ResetSession = 1;
    public const int ParameterCompressionLevel = 100;

    // 1.4.0 made the calls below stable.
    private const uint OldestVersion = 10400;

    private static readonly Lazy<ZstdLibrary?> Shared = new(() => Load(Candidates()));

    private readonly delegate* unmanaged[Cdecl]<nuint, uint> _isError;
    private readonly delegate* unmanaged[Cdecl]<nuint, byte*> _errorName;

    private ZstdLibrary(nint handle)
    {
        _isError = (delegate* unmanaged[Cdecl]<nuint, uint>)NativeLibrary.GetExport(handle, "ZSTD_isError");
        _errorName = (delegate* unmanaged[Cdecl]<nuint, byte*>)NativeLibrary.GetExport(handle, "ZSTD_getErrorName");
        CreateCompressor = (delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(handle, "ZSTD_createCCtx");
        FreeCompressor = (delegate* unmanaged[Cdecl]<nint, nuint>)NativeLibrary.GetExport(handle, "ZSTD_freeCCtx");
        SetParameter = (delegate* unmanaged[Cdecl]<nint, int, int, nuint>)NativeLibrary.GetExport(handle, "ZSTD_CCtx_setParameter");
        Compress = (delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, nuint>)NativeLibrary.GetExport(handle, "ZSTD_compress2");
        CreateDecompressor = (delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(handle, "ZSTD_createDCtx");
        FreeDecompressor = (delegate* unmanaged[Cdecl]<nint, nuint>)NativeLibrary.GetExport(handle, "ZSTD_freeDCtx");
        Decompress = (delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, nuint>)NativeLibrary.GetExport(handle, "ZSTD_decompressDCtx");
        DecompressStream = (delegate* unmanaged[Cdecl]<nint, ZstdBuffer*, ZstdBuffer*, nuint>)NativeLibrary.GetExport(handle, "ZSTD_decompressStream");
    }

    public delegate* unmanaged[Cdecl]<nint> CreateCompressor { get; }

    public delegate* unmanaged[Cdecl]<nint, nuint> FreeCompressor { get; }

    public delegate* unmanaged[Cdecl]<nint, int, int, nuint> SetParameter { get; }

    public delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, nuint> Compress { get; }

    public delegate* unmanaged[Cdecl]<nint> CreateDecompressor { get; }

    public delegate* unmanaged[Cdecl]<nint, nuint> FreeDecompressor { get; }

    public delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, nuint> Decompress { get; }

    public delegate* unmanaged[Cdecl]<nint, ZstdBuffer*, ZstdBuffer*, nuint> DecompressStream { get; }

    /// <summary>The error CompressionUnavailable where there is none.</summary>
    public static ZstdLibrary Require() => Shared.Value ?? throw Unavailable();

    /// <summary>Null when none of the names is a usable library.</summary>
    internal static ZstdLibrary? Load(IEnumerable<string> candidates)
    {
        foreach (var name in candidates)
        {
            if (!NativeLibrary.TryLoad(name, Assembly.GetExecutingAssembly(), null, out var handle))
            {
                continue;
            }

            if (IsUsable(handle))
            {
                return new ZstdLibrary(handle);
            }

            NativeLibrary.Free(handle);
        }

        return null;
    }

    internal static KafkaBackupException Unavailable() => ErrorIds.CompressionUnavailable.With(
        "Compression zstd needs the zstd library (libzstd 1.4 or newer), which could not be loaded on this machine.", "zstd");

    public bool IsError(nuint result) => _isError(result) != 0;

    public string ErrorName(nuint result) => Marshal.PtrToStringUTF8((nint)_errorName(result)) ?? "unknown error";

    private static bool IsUsable(nint handle)
    {
        if (!NativeLibrary.TryGetExport(handle, "ZSTD_versionNumber", out var version)
            || !NativeLibrary.TryGetExport(handle, "ZSTD_compress2", out _))
        {
            return false;
        }

        return ((delegate* unmanaged[Cdecl]<uint>)version)() >= OldestVersion;
    }

    [SuppressMessage("Globalization", "CA1304", Justification = "File names.")]
    private static IEnumerable<string> Candidates()
    {
        if (OperatingSystem.IsWindows())
        {
            // The first is what librdkafka's package brings along.
            return ["zstd.dll", "libzstd.dll"];
        }

        if (OperatingSystem.IsMacOS())
        {
            return ["libzstd.1.dylib", "libzstd.dylib", "/opt/homebrew/lib/libzstd.1.dylib", "/opt/homebrew/opt/zstd/lib/libzstd.dylib",
                "/usr/local/lib/libzstd.1.dylib", "/usr/local/opt/zstd/lib/libzstd.dylib", "/opt/local/lib/libzstd.1.dylib"];
        }

        return ["libzstd.so.1", "libzstd.so"];
    }
}

/// <summary>ZSTD_inBuffer and ZSTD_outBuffer, which have one shape.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ZstdBuffer
{
    public byte* Memory;
    public nuint Size;
    public nuint Position;
}
