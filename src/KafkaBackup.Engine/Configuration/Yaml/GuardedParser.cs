using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace KafkaBackup.Engine.Configuration.Yaml;

/// <summary>
/// The library's parser, which answers some malformed texts with exceptions that look like faults of a program: here they are what they
/// mean.
/// </summary>
internal sealed class GuardedParser(TextReader text) : IParser
{
    private readonly Parser _parser = new(new Scanner(text, skipComments: true));

    public ParsingEvent? Current => _parser.Current;

    /// <exception cref="YamlException">The text is not valid YAML.</exception>
    public bool MoveNext()
    {
        try
        {
            return _parser.MoveNext();
        }
        catch (Exception e)
            when (e
                    is InvalidOperationException
                        or ArgumentException
                        or IndexOutOfRangeException
                        or NullReferenceException
                        or FormatException
                        or OverflowException
                        or KeyNotFoundException
                        or NotSupportedException
            )
        {
            var at = Current?.End ?? Mark.Empty;
            throw new YamlException(at, at, "the text after this place is not understood", e);
        }
    }
}
